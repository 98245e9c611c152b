curl "https://sms.example/api/send?text=a'b" -d "say=\"hi\" \$5 \\ x\y"
