curl -sS https://sms.example/api/send --data-binary @- <<EOF
login=a&text=one
two
EOF
