# frozen_string_literal: true

# What all stand-ins for GitLab share. Rows answer for their columns alone; whatever writes, enqueues or connects ends
# the program. Everything that must not be printed says `canary`.

require 'date'
require 'json'
require 'openssl'
require 'socket'
require 'time'

# Not a StandardError, so that nobody who is careful rescues it.
Wrote = Class.new(Exception) # rubocop:disable Lint/InheritException

WRITES = %i[
  save save! update update! update_column update_columns update_attribute update_all upsert upsert_all insert insert_all
  touch touch_all delete delete_all delete_by destroy destroy! destroy_all destroy_by increment! decrement! toggle!
  create create! create_or_find_by find_or_create_by find_or_create_by! first_or_create first_or_create! instance
  safe_find_or_create_by create_from_defaults find_or_create_without_cache current with_lock lock! transaction
  perform_async perform_in perform_at perform_bulk perform_inline push clear kill! quiet! stop! cleanup retry_all
  enable enable! disable disable! remove sync cache! expire
].freeze

module ReadOnly
  WRITES.each do |name|
    define_method(name) { |*| raise Wrote, "#{self.class.name} was asked to #{name}" }
  end
end

# A row with these columns.
class Row
  include ReadOnly

  def initialize(columns)
    columns.each do |name, value|
      define_singleton_method(name) { value.is_a?(Proc) ? value.call : value }
    end
  end
end

# Rows as a query gives them.
class Rows
  include ReadOnly

  def initialize(rows)
    @rows = rows
  end

  def first(count = nil)
    count ? @rows.first(count) : @rows.first
  end

  def last
    @rows.last
  end

  def count
    @rows.size
  end
end

# A table: its class finds rows and makes none.
class Table
  class << self
    include ReadOnly
    attr_writer :rows

    def first
      (@rows || []).first
    end

    def last
      (@rows || []).last
    end

    def count
      (@rows || []).size
    end
  end
end

# Nothing may be reached, started or written.
[Socket, TCPSocket, UDPSocket, UNIXSocket].each do |type|
  type.define_singleton_method(:new) { |*| raise Wrote, 'a connection' }
  type.define_singleton_method(:open) { |*| raise Wrote, 'a connection' }
end
Object.prepend(Module.new do
  %i[system spawn fork exec `].each { |name| define_method(name) { |*| raise Wrote, "a program, by #{name}" } }
end)
File.singleton_class.prepend(Module.new do
  %i[write delete rename unlink symlink chmod].each { |name| define_method(name) { |*| raise Wrote, "File.#{name}" } }
end)

UUID = 'canary-uuid'

# A token of the customers portal; its signature is nobody's.
def jwt(claims)
  [{ alg: 'RS256', kid: 'canary' }, claims, 'canary'].map do |part|
    [part.is_a?(String) ? part : JSON.generate(part)].pack('m0').tr('+/', '-_').delete('=')
  end.join('.')
end

def claims(more = {})
  { iss: 'canary', sub: UUID, aud: 'canary', scopes: ['canary'], gitlab_realm: 'self-managed', jti: 'canary' }.merge(more)
end

# The library has no Sidekiq, so nobody may require it.
module Sidekiq
  class ProcessSet
    include ReadOnly

    class << self
      attr_accessor :held
    end

    def initialize(tidy = true)
      raise Wrote, 'the list of processes was tidied up' if tidy
    end

    def to_a
      held = self.class.held
      held.is_a?(Proc) ? held.call : held
    end
  end

  class Queue
    include ReadOnly

    class << self
      attr_accessor :held
    end

    def initialize(name)
      @latency, @size = (self.class.held || {}).fetch(name, [0, 0])
    end

    attr_reader :latency, :size
  end
end

module Feature
  class << self
    include ReadOnly
    attr_accessor :off

    def enabled?(name, type:)
      raise ArgumentError, 'canary' unless type == :ops

      !(off || []).include?(name)
    end
  end
end

# The columns that no version hides, with what nobody may see.
def application_setting(columns)
  ApplicationSetting.rows = [Row.new({
    uuid: UUID, runners_registration_token: 'canary', health_check_access_token: 'canary', admin_email: 'canary',
    duo_features_enabled: true, lock_duo_features_enabled: false, silent_mode_enabled: false, maintenance_mode: false,
    instance_level_ai_beta_features_enabled: false, deny_all_requests_except_allowed: true,
    dns_rebinding_protection_enabled: true, allow_local_requests_from_web_hooks_and_services: false,
    outbound_local_requests_whitelist: %w[
      canary.example.com 10.0.0.1 cloud.gitlab.com customers.gitlab.com:443 cloud.gitlab.com.canary.example.com
      ai.example.com:5052 10.0.0.0/8
    ]
  }.merge(columns))]
end

def license_row(columns = {})
  Row.new({
    data: 'canary', licensee: { 'Name' => 'canary', 'Company' => 'canary' }, licensee_name: 'canary',
    licensee_email: 'canary', licensee_company: 'canary', subscription_name: 'canary', subscription_id: 'canary',
    license_type: 'online_cloud', plan: 'premium', starts_at: Date.new(2026, 1, 1), expires_at: Date.new(2027, 1, 1),
    block_changes_at: Date.new(2027, 1, 15), expired?: false, grace_period_expired?: false, trial?: nil,
    last_synced_at: Time.utc(2026, 11, 22, 3, 4, 5)
  }.merge(columns))
end

def token_row(columns = {})
  Row.new({
    token: jwt(claims), encrypted_token: 'canary', encrypted_token_iv: 'canary',
    expires_at: Time.utc(2026, 11, 25), created_at: Time.new(2026, 11, 22, 2, 0, 0, '+02:00')
  }.merge(columns))
end

def purchase_row(name, quantity, assigned)
  users = Rows.new(Array.new(assigned) { Row.new({ user: 'canary', username: 'canary' }) })
  add_on = Row.new({ name: name, description: 'canary' })
  Row.new({
    add_on: add_on, quantity: quantity, assigned_users: users, users: users, expires_on: Date.new(2027, 1, 1),
    purchase_xid: 'canary', namespace: 'canary'
  })
end

def service_account(columns = {})
  Row.new({ username: 'canary', email: 'canary', composite_identity_enforced: true }.merge(columns))
end

# Two processes; `Process` of Sidekiq answers by keys.
def processes(*queues)
  queues.map { |names| { 'hostname' => 'canary', 'identity' => 'canary', 'tag' => 'canary', 'queues' => names } }
end

ApplicationSetting = Class.new(Table)
