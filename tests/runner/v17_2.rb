# frozen_string_literal: true

# GitLab 17.2: no row of Duo's settings tells the gateway, the catalog is called `data`.

require_relative 'enterprise'

module Gitlab
  VERSION = '17.2.9-ee'
  def self.ee? = true
end
application_setting(duo_availability: :default_on)
CloudConnector::Access.rows = [Row.new({ data: { canary: 'canary' }, updated_at: Time.utc(2026, 11, 22, 9, 30) })]
Ai::Setting.rows = [Row.new({ amazon_q_role_arn: 'canary' })]
GitlabSubscriptions::AddOnPurchase.held = [purchase_row('code_suggestions', 10, 5)]
