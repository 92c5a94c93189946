// How the JSON scanner steps over strings and containers: many bytes at a time (json_lane.h).
//
// Every function reads within [p, end) only and answers NULL where the text ends too early. Inside a
// container it looks for quotes and brackets alone: what it steps over may be no JSON at all.
#ifndef CDC_EVENT_JSON_SCAN_H
#define CDC_EVENT_JSON_SCAN_H

// p is behind the opening quote; answers the place behind the closing one.
const char *json_skip_string(const char *p, const char *end);

// p is behind the opening bracket; answers the place behind the one that closes it.
const char *json_skip_container(const char *p, const char *end);

// The first byte from p on that cannot stand in a string as it is: a quote, a backslash or a control
// character; or end.
const char *json_clean_end(const char *p, const char *end);

// As json_clean_end, but a byte that is not ASCII ends it too.
const char *json_plain_end(const char *p, const char *end);

#endif
