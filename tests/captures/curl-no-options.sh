curl --no-keepalive --no-buffer --no-progress-meter 'https://sms.example/api/send?login=a'
