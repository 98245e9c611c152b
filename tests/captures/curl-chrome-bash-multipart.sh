curl 'https://sms.example/api/send' \
  -H 'content-type: multipart/form-data; boundary=----WebKitFormBoundaryAbC123' \
  --data-raw $'------WebKitFormBoundaryAbC123\r\nContent-Disposition: form-data; name="login"\r\n\r\na\r\n------WebKitFormBoundaryAbC123\r\nContent-Disposition: form-data; name="text"\r\n\r\nŽmogus\u0021 &+%\r\n------WebKitFormBoundaryAbC123--\r\n' \
  --compressed
