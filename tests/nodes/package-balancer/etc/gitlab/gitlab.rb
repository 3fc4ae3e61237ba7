# Behind a balancer that ends TLS.
external_url 'https://gitlab.example.com'
nginx['listen_port'] = 80
nginx['listen_https'] = false
nginx['proxy_set_headers'] = {
  "X-Forwarded-Proto" => "https",
  "X-Forwarded-Ssl" => "on",
  "X-Balancer" => "edge-1"
}
gitlab_rails['action_cable_allowed_origins'] = ['https://gitlab-eu.example.com']
