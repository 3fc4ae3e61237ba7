# frozen_string_literal: true

# GitLab Community Edition: none of the classes of the Enterprise Edition, but the same tables.

require_relative 'gitlab'

module Gitlab
  VERSION = '18.9.1'
  def self.ee? = false
end
module CloudConnector
  ServiceAccessToken = Class.new(Table)
end
application_setting({})
Sidekiq::ProcessSet.held = processes(%w[default])
