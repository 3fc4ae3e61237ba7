# frozen_string_literal: true

# GitLab 18.9 with a gateway of its own beside GitLab's, and the Agent Platform.

require_relative 'enterprise'

module Gitlab
  VERSION = '18.9.1-ee'
  def self.ee? = true
end
application_setting(
  duo_availability: :default_on, disabled_direct_code_suggestions: false,
  duo_remote_flows_enabled: true, duo_foundational_flows_enabled: false
)
CloudConnector::Access.rows = [Row.new({ catalog: { canary: 'canary' }, updated_at: Time.utc(2026, 11, 22, 9, 30) })]
Ai::Setting.rows = [Row.new({
  ai_gateway_url: 'http://canary:canary@ai.example.com:5052/base?canary#canary',
  duo_agent_platform_service_url: 'duo.example.com:50052', duo_core_features_enabled: nil,
  duo_agent_platform_enabled: true, duo_workflow_service_account_user: service_account,
  duo_workflow_oauth_application: Row.new({ secret: 'canary' }), amazon_q_role_arn: 'canary'
})]
Ai::SelfHostedModel.rows = [Row.new({ name: 'canary', endpoint: 'canary', api_token: 'canary' })] * 2
Ai::FeatureSetting.held = [Row.new({ feature: 'canary' })]
GitlabSubscriptions::AddOnPurchase.held = [purchase_row('code_suggestions', 10, 5)]
