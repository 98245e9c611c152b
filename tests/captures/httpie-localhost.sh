http :8025/api/send login==a
