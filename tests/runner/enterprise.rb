# frozen_string_literal: true

# The classes of GitLab Enterprise Edition that every version since 17.2 has, with a healthy instance in them.

require_relative 'gitlab'

class License < Table
  class << self
    attr_accessor :loaded

    def load_license
      loaded.is_a?(Proc) ? loaded.call : loaded
    end
  end
end
License.loaded = license_row

module CloudConnector
  Access = Class.new(Table)
  ServiceAccessToken = Class.new(Table)
end
CloudConnector::ServiceAccessToken.rows = [token_row(token: 'canary-older'), token_row]

module Ai
  Setting = Class.new(Table)
  SelfHostedModel = Class.new(Table)
  FeatureSetting = Class.new(Table) do
    class << self
      attr_accessor :held

      def vendored
        Rows.new(held || [])
      end
    end
  end
end

module GitlabSubscriptions
  class AddOnPurchase < Table
    class << self
      attr_accessor :held

      def active
        Rows.new(held || [])
      end
    end
  end
end

module Llm
  CompletionWorker = Class.new(Table) do
    def self.queue
      'default'
    end
  end
end

Sidekiq::ProcessSet.held = processes(%w[default mailers], %w[default])
Sidekiq::Queue.held = { 'default' => [2.345, 7] }
