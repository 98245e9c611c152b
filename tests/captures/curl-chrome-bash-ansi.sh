curl 'https://sms.example/api/send' \
  -H 'accept: */*' \
  -H 'accept-language: en-GB,en;q=0.9' \
  -H 'content-type: application/x-www-form-urlencoded; charset=UTF-8' \
  -b 'PHPSESSID=1; _ga=GA1.2' \
  -H 'origin: https://panel.example' \
  -H 'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --data-raw $'login=a&text=it\'s\u0021\r\nnew'
