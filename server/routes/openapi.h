// The OpenAPI 3.1 document of all routes, made from their heads.
#pragma once

#include <string>

#include "routes/route.h"

namespace saldo::server {

std::string openapi_document(const RouteTable& routes);

}  // namespace saldo::server
