// Package demo is the source that plays a small web shop, so that every kind of
// panel has something to show. Nothing of it is real, and every stream says so:
//
//	demo.visitors  visitors; once a second
//	demo.orders    order, country, product, items, total (in dollars)
//	demo.requests  method, route, status, ms
//	demo.logs      log records: severity_number, severity_text, body,
//	               attributes.service and others; some with ANSI colours; type "log"
//	demo.activity  actor, verb, object, target, link, icon; type "activity"
//	demo.deploys   service, version, by, rollback
//	demo.checks    service, state (up, degraded or down), ms; key: the service;
//	               every 5 seconds
//
// A day of the shop takes 20 minutes. Every 10 minutes a bad version of the
// payment service is deployed: checkouts become slow and fail, its check goes
// down, and about a minute and a half later it is rolled back.
//
// What happens in a second is a function of the seed and that second, and of
// nothing else: any two that play the same seed play the same shop.
package demo
