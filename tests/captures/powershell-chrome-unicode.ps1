$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession
$session.UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
$session.Cookies.Add((New-Object System.Net.Cookie("PHPSESSID", "1", "/", "sms.example")))
Invoke-WebRequest -UseBasicParsing -Uri "https://sms.example/api/send" `
-Method "POST" `
-WebSession $session `
-Headers @{
"authority"="sms.example"
  "method"="POST"
  "accept"="*/*"
} `
-ContentType "application/x-www-form-urlencoded" `
-Body "login=a&text=$([char]1055)$([char]1088)$([char]1080)$([char]1074)$([char]1077)$([char]1090) ```"`$5`""
