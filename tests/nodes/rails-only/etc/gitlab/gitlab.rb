external_url 'https://gitlab.example.com'
roles ['application_role']
sidekiq['enable'] = false
