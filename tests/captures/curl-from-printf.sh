printf %s "x y+z" |
  curl -G -d login=a --data-urlencode text@- https://sms.example/api/send
