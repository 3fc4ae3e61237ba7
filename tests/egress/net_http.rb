# Says which way Ruby's Net::HTTP goes under each row's environment, by watching whom it would connect to.
#
# Rows come as JSON on standard input, answers go as JSON to standard output: `direct`, `http://[user:password@]host:port`
# or `nobody`. Nothing is looked up and nothing is connected to: the two calls that would do so tell instead.
require "json"
require "net/http"

$VERBOSE = nil
Asked = Class.new(Exception) # Net::HTTP rewrites the messages of StandardError
$addresses = []

class IPSocket
  def self.getaddress(name)
    return name if name.match?(/\A[\d.]+\z/) || name.include?(":")
    return "127.0.0.1" if name == "localhost"

    $addresses.first or raise SocketError, "getaddrinfo: Name or service not known"
  end
end

def tells(host, port)
  nobody = host.to_s.empty? || !port.to_i.between?(1, 65_535)
  raise Asked, nobody ? "nobody" : "#{host.include?(":") ? "[#{host}]" : host.downcase}:#{port}"
end

class Socket
  def self.tcp(host, port, *, **) = tells(host, port)
end

class TCPSocket
  def self.open(host, port, *, **) = tells(host, port)
end

def way(row)
  ENV.delete_if { |name, _| name.match?(/_proxy\z/i) || name == "REQUEST_METHOD" }
  ENV.update(row["environment"])
  $addresses = row["addresses"]
  http = Net::HTTP.new(row["host"], row["port"])
  http.use_ssl = row["scheme"] == "https"
  http.start
rescue URI::Error
  "nobody"
rescue Asked => e
  return "direct" unless http.proxy?
  return "nobody" if e.message == "nobody"

  credentials = http.proxy_user && "#{http.proxy_user}:#{http.proxy_pass}@"
  "http://#{credentials}#{e.message}"
end

puts JSON.generate(JSON.parse($stdin.read).map { |row| way(row) })
