external_url 'http://gitlab.example.com'
