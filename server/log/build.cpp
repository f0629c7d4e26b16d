#include "log/build.h"

#include <cairo.h>
#include <pango/pango.h>

#include <fstream>

#include "hash.h"

namespace saldo::server {
namespace {

std::string short_hash(std::string_view bytes) {
  constexpr std::size_t kDigits = 12;
  return sha256_hex(bytes).substr(0, kDigits);
}

std::string program_hash() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  Sha256 sum;
  std::string bytes(1 << 20, '\0');
  while (file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) || file.gcount() > 0)
    sum.add({bytes.data(), static_cast<std::size_t>(file.gcount())});
  constexpr std::size_t kDigits = 12;
  return sum.finish().substr(0, kDigits);
}

// Where its offset changes in two centuries, and to what.
std::string zone_hash(const date::time_zone& zone) {
  using namespace date::literals;
  std::string text;
  const date::sys_seconds end = date::sys_days{2100_y / 1 / 1};
  for (date::sys_seconds at = date::sys_days{1970_y / 1 / 1}; at < end;) {
    const auto info = zone.get_info(at);
    text += std::to_string(at.time_since_epoch().count()) + " " +
            std::to_string(info.offset.count()) + "\n";
    at = info.end;
  }
  return short_hash(text);
}

}  // namespace

std::string build_of(Database& database, const std::string& routes) {
  auto policy = database.prepare("SELECT time_zone FROM policy LIMIT 1");
  policy.step();
  const std::string zone(policy.text(0));
  return std::string("saldod " SALDO_VERSION "-") + program_hash() + ", schema " +
         std::to_string(kSchemaVersion) + ", SQLite " + sqlite3_libversion() + "-" +
         short_hash(sqlite3_sourceid()) + ", " + zone + "-" + zone_hash(*find_zone(zone)) +
         ", cairo " + cairo_version_string() + ", pango " + pango_version_string() + ", routes " +
         short_hash(routes);
}

}  // namespace saldo::server
