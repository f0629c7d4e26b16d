// The style, the scripts and the icon, under names that change with what they hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace saldo::server {

struct Asset {
  std::string_view name;  // style.css
  std::string_view path;  // /assets/style.0123456789abcdef.css
  std::string_view content_type;
  std::string_view content;
};

extern const std::vector<Asset> kAssets;  // embedded_assets.cpp is generated

inline std::string_view asset_path(std::string_view name) {
  for (const Asset& asset : kAssets) {
    if (asset.name == name) return asset.path;
  }
  return {};
}

}  // namespace saldo::server
