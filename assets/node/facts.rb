# frozen_string_literal: true

# What duo-doctor asks Rails, once, by `gitlab-rails runner -`.
#
# It reads the database, Sidekiq's state in Redis and its own environment, and prints one JSON document between two
# marker lines. It writes nothing, queues no job, sends no request; Rails is told to refuse writes to the database.
# GitLab's own caches may be filled, as by any page.
#
# No token, secret, prompt, person or company is printed. Of the access token it says whether it can be read, whether
# it was made for this instance and when it ends; the token itself stays in here.
#
# Every field stands by itself: what this version of GitLab does not have is null, and so is what cannot be read;
# then "errors" names the class of the exception.
class DuoDoctor
  HOSTS = %w[cloud.gitlab.com customers.gitlab.com duo-workflow-svc.runway.gitlab.net].freeze
  # How it shows that the token was encrypted with another gitlab-secrets.json.
  UNDECRYPTABLE = %w[OpenSSL::Cipher::CipherError ActiveRecord::Encryption::Errors::Base].freeze

  def facts
    @errors = {}
    # `last` and `first` find a row; `current` or `instance` would make one where there is none.
    @settings, = row('settings', 'ApplicationSetting', &:last)
    @ai, = row('ai', 'Ai::Setting', &:first)
    {
      duo_doctor: 1, version: ask('version') { Gitlab::VERSION }, enterprise: ask('enterprise') { Gitlab.ee? },
      license: license, access: access, token: token, settings: settings, ai: ai, add_ons: add_ons,
      flags: %i[ai_global_switch ai_duo_code_suggestions_switch].to_h do |flag|
        [flag, ask("flags.#{flag}") { Feature.enabled?(flag, type: :ops) }]
      end,
      sidekiq: sidekiq, errors: @errors
    }
  end

  private

  def license
    # `load_license` asks the database, `current` a cache.
    held, present = row('license', 'License') { |it| it.respond_to?(:load_license) ? it.load_license : it.current }
    { present: present, **read('license', held, {
      type: :license_type, plan: :plan, starts_at: :starts_at, expires_at: :expires_at,
      block_changes_at: :block_changes_at, expired: :expired?, grace_period_expired: :grace_period_expired?,
      trial: :trial?, last_synced_at: :last_synced_at
    }) }
  end

  def access
    held, present = row('access', 'CloudConnector::Access', &:last)
    catalog = ask('access.has_catalog') do # Until 18.5 it was called `data`.
      held && %i[catalog data].any? { |name| ![nil, '', [], {}].include?(value(held, name)) }
    end
    { present: present, has_catalog: catalog, **read('access', held, { updated_at: :updated_at }) }
  end

  def token
    held, present = row('token', 'CloudConnector::ServiceAccessToken', &:last)
    secret = guard('token.decryptable') { held&.token }
    broken = @errors['token.decryptable'] && @failed.ancestors.any? { |type| UNDECRYPTABLE.include?(type.name) }
    decryptable = broken ? false : (held && !@errors.key?('token.decryptable')) || nil
    claims = claims_of(secret) if decryptable
    {
      present: present, decryptable: decryptable, decodes: (!claims.nil? if decryptable),
      **read('token', held, { expires_at: :expires_at, created_at: :created_at }),
      subject_is_this_instance: ask('token.subject_is_this_instance') do
        claims && @settings && claims['sub'] == @settings.uuid
      end,
      realm: claims && %w[self-managed saas].find { |realm| realm == claims['gitlab_realm'] }
    }
  end

  # The claims of a JSON web token. Whether its signature is right only the AI gateway can tell.
  def claims_of(secret)
    parts = secret.split('.')
    claims = JSON.parse(parts[1].tr('-_', '+/').unpack1('m')) if parts.size == 3
    claims if claims.is_a?(Hash)
  rescue StandardError
    nil
  end

  def settings
    names = %i[
      duo_features_enabled lock_duo_features_enabled duo_availability silent_mode_enabled maintenance_mode
      instance_level_ai_beta_features_enabled disabled_direct_code_suggestions deny_all_requests_except_allowed
      dns_rebinding_protection_enabled allow_local_requests_from_web_hooks_and_services
      duo_remote_flows_enabled duo_foundational_flows_enabled
    ]
    { **read('settings', @settings, names.to_h { |name| [name, name] }), allowed_duo_hosts: allowed_duo_hosts }
  end

  # Of the outbound filter's allow list only the entries for the hosts of Duo: `host` or `host:port`.
  def allowed_duo_hosts
    urls = [ENV['CLOUD_CONNECTOR_BASE_URL'], ENV['CUSTOMER_PORTAL_URL'], gateway_url, service_url].compact
    hosts = HOSTS + urls.map { |url| url[%r{\A(?:\w+://)?(?:[^/]*@)?(\[[^\]]+\]|[^/:]+)}, 1] }
    guard('settings.allowed_duo_hosts') do
      allowed = value(@settings, :outbound_local_requests_whitelist)
      allowed&.select { |entry| hosts.include?(entry[/\A(.+?)(?::\d+)?\z/, 1]) }
    end
  end

  def ai
    {
      ai_gateway_url: gateway_url, duo_agent_platform_service_url: service_url,
      duo_core_features_enabled: ask('ai.duo_core_features_enabled') { of_ai(:duo_core_features_enabled) },
      duo_agent_platform_enabled: ask('ai.duo_agent_platform_enabled') { of_ai(:duo_agent_platform_enabled) },
      composite_identity: ask('ai.composite_identity') do
        if @ai.respond_to?(:duo_workflow_service_account_user)
          account, application = @ai.duo_workflow_service_account_user, value(@ai, :duo_workflow_oauth_application)
          !account.nil? && !application.nil? && value(account, :composite_identity_enforced) == true
        end
      end,
      self_hosted_models: ask('ai.self_hosted_models') { type('Ai::SelfHostedModel')&.count },
      vendored_features: ask('ai.vendored_features') { type('Ai::FeatureSetting')&.vendored&.count }
    }
  end

  # Until 17.8 only the environment names the gateway; later that is what a first row of settings starts with.
  def gateway_url
    ask('ai.ai_gateway_url') { address(of_ai(:ai_gateway_url) { ENV['AI_GATEWAY_URL'] }) }
  end

  def service_url
    ask('ai.duo_agent_platform_service_url') { address(of_ai(:duo_agent_platform_service_url)) }
  end

  # From the settings of Duo, or from the application's, where newer versions keep them.
  def of_ai(name)
    holders = [@ai, @settings].select { |row| row.respond_to?(name) }
    return holders.map { |row| row.public_send(name) }.compact.first if holders.any?

    yield if block_given?
  end

  # A URL or `host:port` without user, password, query and fragment.
  def address(url)
    plain = url.to_s.sub(/[?#].*/m, '').sub(%r{\A(\w+://)?[^/]*@}, '\1')
    plain unless plain.empty?
  end

  def add_ons
    guard('add_ons') do
      type('GitlabSubscriptions::AddOnPurchase')&.active&.first(20)&.map do |purchase|
        { name: ask('add_ons.name') { purchase.add_on.name },
          assigned: ask('add_ons.assigned') { purchase.assigned_users.count },
          **read('add_ons', purchase, { purchased: :quantity, expires_on: :expires_on }) }
      end
    end
  end

  def sidekiq
    guard('sidekiq') { type('Sidekiq::ProcessSet') || require('sidekiq/api') }
    # `false`: the list of processes is read, not tidied up.
    processes = guard('sidekiq.processes') { Sidekiq::ProcessSet.new(false).to_a }
    name = ask('sidekiq.llm_queue') { type('Llm::CompletionWorker')&.queue }
    queue = guard('sidekiq.llm_size') { name && Sidekiq::Queue.new(name) }
    {
      processes: processes&.size,
      queues: guard('sidekiq.queues') { processes&.flat_map { |it| Array(it['queues']) }&.uniq&.first(100) },
      llm_queue: name, llm_latency: ask('sidekiq.llm_latency') { queue&.latency&.to_f&.round(1) },
      llm_size: ask('sidekiq.llm_size') { queue&.size }
    }
  end

  def type(name) = (Object.const_get(name) if Object.const_defined?(name))

  def value(row, method)
    return unless row.respond_to?(method)

    method.end_with?('?') ? !!row.public_send(method) : row.public_send(method)
  end

  # A row, and whether there is one: nil where that cannot be told.
  def row(name, of)
    found = guard(name) { type(of) && yield(type(of)) }
    [found, (!found.nil? if !@errors.key?(name) && type(of))]
  end

  # Fields of a row by the methods that tell them.
  def read(section, row, methods)
    methods.to_h { |field, method| [field, ask("#{section}.#{field}") { value(row, method) }] }
  end

  # One field: yes or no, a number, a date or a word. Anything else is not passed on.
  def ask(name)
    guard(name) do
      case answer = yield
      when true, false, Integer, Float then answer
      when Time, DateTime then answer.to_time.getutc.iso8601
      when Date then answer.iso8601
      when String, Symbol then answer.to_s.scrub[0, 300]
      end
    end
  end

  def guard(name)
    yield
  rescue StandardError, ScriptError => e
    @errors[name] = (@failed = e.class).name
    nil
  end
end

answer = -> { JSON.generate(DuoDoctor.new.facts) }
guards = defined?(ActiveRecord::Base) && ActiveRecord::Base.respond_to?(:while_preventing_writes)
document = guards ? ActiveRecord::Base.while_preventing_writes(&answer) : answer.call
$stdout.write("\nduo-doctor:begin\n#{document}\nduo-doctor:end\n")
$stdout.flush
