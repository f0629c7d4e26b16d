// render FORMAT [DOCUMENT…]: writes what the server makes of rows of the table document, each a
// file of JSON, to the standard output: pdf, html, xml, name (of the XML) of one; post of all that
// are named. An error is written to the standard error, as 'code: sentence', with the exit
// status 1.
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "documents/html.h"
#include "documents/pdf.h"
#include "documents/xml.h"

namespace {

nlohmann::json read(const char* path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

}  // namespace

int main(int count, char** arguments) {
  using namespace saldo::server;
  try {
    const std::string format = count > 2 ? arguments[1] : "";
    if (format == "pdf") {
      std::cout << document_pdf(read(arguments[2]));
    } else if (format == "html") {
      std::cout << document_html(read(arguments[2]));
    } else if (format == "xml") {
      std::cout << document_xml(read(arguments[2]));
    } else if (format == "name") {
      std::cout << document_xml_name(read(arguments[2]));
    } else if (format == "post") {
      PostPdf post([](std::string_view bytes) { std::cout << bytes; });
      for (int i = 2; i < count; ++i) post.add(read(arguments[i]));
      post.finish();
    } else {
      std::cerr << "usage: render pdf|html|xml|name|post DOCUMENT...\n";
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
