Invoke-WebRequest -UseBasicParsing -Uri "https://sms.example/api/send?login=a" `
-WebSession $session;
Invoke-WebRequest -UseBasicParsing -Uri "https://sms.example/api/send" `
-Method "POST" `
-ContentType "application/x-www-form-urlencoded" `
-Body "login=b"
