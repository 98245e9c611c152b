curl https://sms.example/api/send --json '{"login": "a", "text": "x y+z", "n": 12, "t": true, "z": null}'
