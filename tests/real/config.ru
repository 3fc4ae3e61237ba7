# frozen_string_literal: true

# Rails' own Action Cable below `/-/cable`, and beside it the few answers by which GitLab is known.
#
# The cable is the real library with Rails' defaults: an Origin is accepted when it equals the scheme and Host that
# reached us, and by nothing else. Only the front page, the health addresses and the API's refusals are imitated.

require "action_cable"
require "active_support/core_ext/string/inflections"
require "json"
require "logger"
require "securerandom"

cable = ActionCable.server
cable.config.cable = { "adapter" => "async" }
cable.config.logger = Logger.new($stderr, level: Logger::INFO)

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
  }.merge(headers), [body]]
end

SIGN_IN = <<~HTML
  <!DOCTYPE html>
  <html class="html-devise-layout" lang="en">
  <head><meta content="GitLab" property="og:site_name"><title>Sign in · GitLab</title></head>
  <body data-page="sessions:new"><h1>GitLab Enterprise Edition</h1></body>
  </html>
HTML

map("/-/cable") { run cable }

run(lambda do |env|
  request = Rack::Request.new(env)
  case request.path_info
  when "/-/health" then gitlab(200, "text/plain", "GitLab OK")
  when "/-/readiness"
    gitlab(200, "application/json; charset=utf-8", JSON.generate("status" => "ok", "master_check" => [{ "status" => "ok" }]))
  when "/users/sign_in"
    gitlab(200, "text/html; charset=utf-8", SIGN_IN,
           "Set-Cookie" => "_gitlab_session=#{SecureRandom.hex(16)}; path=/; HttpOnly; SameSite=None")
  when "/", ""
    gitlab(302, "text/html; charset=utf-8", "", "Location" => "#{request.base_url}/users/sign_in")
  when %r{\A/api/v4/}
    gitlab(401, "application/json", JSON.generate("message" => "401 Unauthorized"))
  else
    gitlab(404, "text/html; charset=utf-8", "<!DOCTYPE html><title>The page could not be found (404)</title>")
  end
end)
