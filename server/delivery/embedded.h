// The files of sql/delivery/ as they were when the server was built; embedded_deliveries.cpp is
// generated.
#pragma once

#include <vector>

#include "schema/schema.h"

namespace saldo {

extern const std::vector<EmbeddedSql> kEmbeddedDeliveries;

}  // namespace saldo
