$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession
$session.UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
$session.Cookies.Add((New-Object System.Net.Cookie("PHPSESSID", "1", "/", "sms.example")))
Invoke-WebRequest -UseBasicParsing -Uri "https://sms.example/api/send?a=1&b=`$x" `
-Method "POST" `
-WebSession $session `
-Headers @{
"authority"="sms.example"
  "method"="POST"
  "accept"="*/*"
} `
-ContentType "application/x-www-form-urlencoded" `
-Body "login=a&text=x+y"
