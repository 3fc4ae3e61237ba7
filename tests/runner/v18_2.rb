# frozen_string_literal: true

# GitLab 18.2: the gateway and Duo Core in Duo's settings, nothing of the Agent Platform.

require_relative 'enterprise'

module Gitlab
  VERSION = '18.2.4-ee'
  def self.ee? = true
end
application_setting(duo_availability: :default_off, duo_features_enabled: false, disabled_direct_code_suggestions: true)
CloudConnector::Access.rows = [Row.new({ data: nil, catalog: { canary: 'canary' }, updated_at: Time.utc(2026, 11, 22) })]
Ai::Setting.rows = [Row.new({ ai_gateway_url: nil, duo_core_features_enabled: true, amazon_q_role_arn: 'canary' })]
GitlabSubscriptions::AddOnPurchase.held = [purchase_row('duo_core', 100, 0), purchase_row('duo_enterprise', 20, 20)]
