curl.exe https://sms.example/api/send `
  -d login=a `
  -d text=b
