// The universal transfer document in the tax service's format 5.03 (order ЕД-7-26/970@ of
// 19 December 2023, КНД 1115131): the seller's file, to be signed and handed to an exchange
// operator. Its function is СЧФДОП for status 1, ДОП for status 2.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace saldo::server {

// `document` is a row of the table document, of the kind upd; the file's bytes, in windows-1251.
// The same content gives the same bytes. Throws conflict, with what to mend, where the format has
// no place for what the document says, or asks for more: requisites that are missing or malformed,
// a person (of a tax_id of 12 digits) whose name has fewer than two words, a rate or currency that
// it does not know, a status 1 without lines; and conflict for another kind of document.
std::string document_xml(const nlohmann::json& document);

// The name that the format demands of the file, without '.xml': the ИдФайл in it. ASCII. Throws
// likewise.
std::string document_xml_name(const nlohmann::json& document);

// Фамилия, Имя, Отчество of 'ИП Иванов Иван Иванович' or 'Орлова М. И.'; without two words, of
// which `ИП` and its like are none, last and first are empty.
struct PersonName {
  std::string last;
  std::string first;
  std::string middle;  // may be empty
};
PersonName split_person_name(const std::string& name);

}  // namespace saldo::server
