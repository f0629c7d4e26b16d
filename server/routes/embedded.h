// The files of sql/http/ as they were when the server was built; embedded_routes.cpp is generated.
#pragma once

#include <vector>

#include "schema/schema.h"

namespace saldo {

extern const std::vector<EmbeddedSql> kEmbeddedRoutes;

}  // namespace saldo
