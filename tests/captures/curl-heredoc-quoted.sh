curl -sS https://sms.example/api/send -d @- <<'END'
login=a&text=$HOME
END
