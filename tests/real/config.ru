# frozen_string_literal: true

# Rails' own Action Cable below `/-/cable`, and beside it the few answers by which GitLab is known.
#
# The cable is the real library with Rails' defaults: an Origin is accepted when it equals the scheme and Host that
# reached us, or stands on the list of further ones. Who may connect and subscribe follows GitLab's rules. Only the
# front page, the health addresses and the API are imitated.
#
# Settings are environment variables, unset as a new GitLab has them:
#   ALLOWED_ORIGINS    further Origins, separated by spaces (`action_cable_allowed_origins`)
#   MONITORING         `denied`: the client is not on the monitoring list, health answers 404
#   RELATIVE_URL_ROOT  the path below which everything lives, such as `/git`

require "action_cable"
require "active_support/core_ext/string/inflections"
require "json"
require "logger"
require "securerandom"

# The one access token that somebody has.
GOOD_TOKEN = "a-good-access-token"

# The user of the request's bearer token; `:nobody` where the token is no good, nil where there is none.
USER_OF = lambda do |authorization|
  case authorization
  when nil, "" then nil
  when "Bearer #{GOOD_TOKEN}" then "duo-user"
  else :nobody
  end
end

# A wrong token is turned away, none at all is let in without a user.
class Connection < ActionCable::Connection::Base
  identified_by :current_user

  def connect
    user = USER_OF.call(request.headers["Authorization"])
    reject_unauthorized_connection if user == :nobody
    self.current_user = user
  end
end

# Its subscriptions are for users only.
class GraphqlChannel < ActionCable::Channel::Base
  def subscribed
    reject unless current_user
  end
end

cable = ActionCable.server
cable.config.cable = { "adapter" => "async" }
cable.config.logger = Logger.new($stderr, level: Logger::INFO)
cable.config.connection_class = -> { Connection }
cable.config.allowed_request_origins = ENV.fetch("ALLOWED_ORIGINS", "").split

# What GitLab's Rails adds to every answer, so that support can find the request in its logs.
def gitlab(status, type, body, headers = {})
  correlation_id = SecureRandom.hex(16)
  [status, {
    "Content-Type" => type,
    "Cache-Control" => "max-age=0, private, must-revalidate",
    "X-Content-Type-Options" => "nosniff",
    "X-Frame-Options" => "SAMEORIGIN",
    "X-Gitlab-Meta" => JSON.generate("correlation_id" => correlation_id, "version" => "1"),
    "X-Request-Id" => correlation_id,
    "X-Runtime" => "0.004217",
  }.merge(headers), body.respond_to?(:each) ? body : [body]]
end

SIGN_IN = <<~HTML
  <!DOCTYPE html>
  <html class="html-devise-layout" lang="en">
  <head><meta content="GitLab" property="og:site_name"><title>Sign in · GitLab</title></head>
  <body data-page="sessions:new"><h1>GitLab Enterprise Edition</h1></body>
  </html>
HTML

def not_found
  gitlab(404, "text/html; charset=utf-8", "<!DOCTYPE html><title>The page could not be found (404)</title>")
end

def unauthorized
  gitlab(401, "application/json", JSON.generate("message" => "401 Unauthorized"))
end

# What GitLab's API says of an address that this version does not have, such as the Agent Platform's.
def no_such_address
  gitlab(404, "application/json", JSON.generate("error" => "404 Not Found"))
end

def signed_in?(request)
  USER_OF.call(request.get_header("HTTP_AUTHORIZATION")) == "duo-user"
end

# A suggestion that comes bit by bit, as the model thinks.
class Suggestion
  PIECES = ["def ", "greet", "(name)", "\n", "end"].freeze
  PAUSE = 0.3

  def each
    PIECES.each_with_index do |piece, index|
      sleep PAUSE unless index.zero?
      yield "event: content_chunk\ndata: #{JSON.generate('choices' => [{ 'delta' => { 'content' => piece } }])}\n\n"
    end
  end
end

# Code Suggestions: the whole request is read before the token is judged, as it is behind Workhorse.
def completions(request)
  body = request.body.read
  return unauthorized unless signed_in?(request)

  asked = JSON.parse(body)
  return gitlab(200, "text/event-stream", Suggestion.new) if asked["stream"] == true

  text = Suggestion::PIECES.join
  gitlab(200, "application/json", JSON.generate("choices" => [{ "index" => 0, "text" => text }]))
rescue JSON::ParserError
  gitlab(400, "application/json", JSON.generate("error" => "The request body is not JSON"))
end

HEALTH = {
  "/-/health" => ["text/plain", "GitLab OK"],
  "/-/liveness" => ["application/json; charset=utf-8", JSON.generate("status" => "ok")],
  "/-/readiness" =>
    ["application/json; charset=utf-8", JSON.generate("status" => "ok", "master_check" => [{ "status" => "ok" }])],
}.freeze

MONITORED = ENV["MONITORING"] != "denied"

rails = lambda do |env|
  request = Rack::Request.new(env)
  case request.path_info
  when *HEALTH.keys then MONITORED ? gitlab(200, *HEALTH[request.path_info]) : not_found
  when "/users/sign_in"
    gitlab(200, "text/html; charset=utf-8", SIGN_IN,
           "Set-Cookie" => "_gitlab_session=#{SecureRandom.hex(16)}; path=/; HttpOnly; SameSite=None")
  when "/", ""
    gitlab(302, "text/html; charset=utf-8", "",
           "Location" => "#{request.base_url}#{request.script_name}/users/sign_in")
  when "/api/v4/code_suggestions/completions" then request.post? ? completions(request) : unauthorized
  when %r{\A/api/v4/} then signed_in?(request) ? no_such_address : unauthorized
  else not_found
  end
end

root = ENV.fetch("RELATIVE_URL_ROOT", "")
map("#{root}/-/cable") { run cable }
map("#{root}/") { run rails }
