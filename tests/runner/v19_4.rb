# frozen_string_literal: true

# GitLab 19.4: the settings of Duo stand among the application's, and the token is Rails' to decrypt.

require_relative 'enterprise'

module Gitlab
  VERSION = '19.4.0-ee'
  def self.ee? = true
end
module ActiveRecord
  class Base
    class << self
      attr_reader :guarded

      def while_preventing_writes
        @guarded = true
        yield
      ensure
        @guarded = false
      end
    end
  end

  module Encryption
    module Errors
      Base = Class.new(StandardError)
      Decryption = Class.new(Base)
    end
  end
end
application_setting(
  duo_availability: :never_on, lock_duo_features_enabled: true, duo_features_enabled: false,
  ai_gateway_url: 'https://ai.example.com', duo_agent_platform_service_url: 'canary@duo.example.com:443',
  duo_core_features_enabled: false, duo_agent_platform_enabled: false
)
CloudConnector::Access.rows = [Row.new({ catalog: { canary: 'canary' }, updated_at: Time.utc(2026, 11, 22, 9, 30) })]
Ai::Setting.rows = [Row.new({ amazon_q_role_arn: 'canary' })]
CloudConnector::ServiceAccessToken.rows = [token_row(token: lambda {
  ActiveRecord::Base.guarded or raise Wrote, 'the database would take writes'
  jwt(claims)
})]
