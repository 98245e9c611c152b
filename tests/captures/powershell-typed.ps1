$base = 'https://sms.example'
$body = @{ login = 'a'; text = "x y" }
Invoke-RestMethod -Uri "$base/api/send" -Method Post -Body $body
