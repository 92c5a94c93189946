// What a REST catalog's server says at GET /v1/config: {"defaults":{…},"overrides":{…}}, settings of which an
// override goes before a default. Pure; config is checked JSON.
#ifndef CDC_ICEBERG_CATALOG_CONFIG_H
#define CDC_ICEBERG_CATALOG_CONFIG_H

#include "base/buf.h"

// A setting, unescaped into out. False where there is none.
bool ice_config_get(struct span config, const char *name, struct buf *out);

// The piece of path between /v1 and the rest, as "/PREFIX"; empty where the server wants none.
bool ice_config_prefix(struct span config, struct buf *out, struct err *e) MUST_CHECK;

// A new table's properties as a JSON object: ours, those that the server has for tables (table-default.*,
// under ours, and table-override.*, above them), and the format version that this program writes.
void ice_config_properties(struct span config, struct span ours, struct buf *out);

#endif
