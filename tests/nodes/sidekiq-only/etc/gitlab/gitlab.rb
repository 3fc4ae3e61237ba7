external_url 'https://gitlab.example.com'
roles(%w(sidekiq_role))
