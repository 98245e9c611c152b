$b = @"
login=a&text=one
two
"@
Invoke-WebRequest https://sms.example/api/send -Method POST -Body $b
