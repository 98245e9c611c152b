docker run --rm curlimages/curl:8.5.0 -s -d "login=a&text=x+y%2Bz&signature=0f" https://sms.example/api/send
