
à
í


:authority127.0.0.1:18102

:path/up/pay?x=1

:methodPOST

:schemehttp


user-agentcurl/7.88.1

accept*/*

authorization
Bearer abc

x-latincaf!

content-length14
1
content-type!application/x-www-form-urlencoded

x-forwarded-protohttp
4
x-request-id$f0d450b5-6fc7-4cad-81c1-c415a4fd2d65
'
x-envoy-expected-rq-timeout-ms15000
{"amount":100}"ê’Öÿ–ªí˙»

:status201

serverenvoy
%
dateSat, 21 Nov 2026 09:55:28 GMT

content-length14


set-cookiea=1


set-cookieb=2
"
x-envoy-upstream-service-time0
{"amount":100}"ê’Öÿ®‚¡˙&

	127.0.0.1∂ç
	127.0.0.1Êà