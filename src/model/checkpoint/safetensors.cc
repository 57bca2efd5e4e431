#include "model/checkpoint/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/files.h"
#include "core/json_whole.h"
#include "model/checkpoint/unknown.h"

namespace hre {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr int kMostDimensions = 8;

/// Bits per element; 0 for a type that the format has not.
uint64_t bits_of(const std::string& type) {
  static const std::map<std::string, uint64_t> kBits = {
      {"BOOL", 8},    {"U8", 8},      {"I8", 8},   {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F4", 4},
      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U16", 16}, {"I16", 16},    {"F16", 16},    {"BF16", 16},   {"U32", 32},
      {"I32", 32},    {"F32", 32},    {"C64", 64}, {"F64", 64},    {"I64", 64},    {"U64", 64},
  };
  const auto found = kBits.find(type);
  return found == kBits.end() ? 0 : found->second;
}

/// One entry of the header; offsets count from the end of the header. Throws JSON's type errors.
Result<Safetensor> tensor_of(const std::string& name, const Json& entry) {
  Safetensor tensor;
  tensor.name = name;
  tensor.type = entry.at("dtype").get<std::string>();
  uint64_t bits = bits_of(tensor.type);
  if (bits == 0) return input_error(fmt::format("gives {} the type {}", name, tensor.type));
  const Json& shape = entry.at("shape");
  const Json& offsets = entry.at("data_offsets");
  if (!shape.is_array() || shape.size() > kMostDimensions || !offsets.is_array() || offsets.size() != 2)
    return input_error("has no shape or no offsets of " + name);
  for (const Json& size : shape) {
    tensor.shape.push_back(whole_number<int64_t>(size));
    if (tensor.shape.back() < 0 || __builtin_mul_overflow(bits, static_cast<uint64_t>(tensor.shape.back()), &bits))
      return input_error("gives " + name + " more bytes than a number can count");
  }
  tensor.offset = whole_number<uint64_t>(offsets[0]);
  const auto end = whole_number<uint64_t>(offsets[1]);
  tensor.bytes = bits / 8;
  if (bits % 8 != 0 || end < tensor.offset || end - tensor.offset != tensor.bytes)
    return input_error(fmt::format("gives {} bytes {} to {}, which its shape can't have", name, tensor.offset, end));
  return tensor;
}

/// Checks that the tensors fill the data without gaps or overlaps.
Status check_places(const std::vector<Safetensor>& tensors, uint64_t data_bytes) {
  std::vector<const Safetensor*> by_place;
  for (const Safetensor& tensor : tensors) by_place.push_back(&tensor);
  std::sort(by_place.begin(), by_place.end(), [](const Safetensor* a, const Safetensor* b) {
    return a->offset != b->offset ? a->offset < b->offset : a->bytes < b->bytes;
  });
  uint64_t end = 0;
  for (const Safetensor* tensor : by_place) {
    if (tensor->offset != end)
      return input_error(
          fmt::format("has {} at byte {} of its data, where {} was expected", tensor->name, tensor->offset, end));
    if (tensor->bytes > data_bytes - end) return input_error("was cut short or has bytes too many");
    end += tensor->bytes;
  }
  if (end != data_bytes) return input_error("was cut short or has bytes too many");
  return {};
}

Result<Safetensors> read_one(const std::string& path) {
  std::error_code problem;
  const uint64_t size = fs::file_size(path, problem);
  std::ifstream file(path, std::ios::binary);
  char start[8];
  if (problem || !file.read(start, sizeof start)) return input_error("is not a safetensors file, or it was cut short");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(start[i]);
  if (length < 2 || length > kLongestHeader || length > size - sizeof start)
    return input_error("is not a safetensors file, or it was cut short");
  std::string header(length, '\0');
  if (!file.read(header.data(), static_cast<std::streamsize>(length))) return input_error("cannot be read");
  return parse_safetensors(header, size);
}

/// Weights that a file has once, for input and output, are the input's, even where it names them after the output. As
/// convert_checkpoint.py has it: the renamed tensor comes last.
void name_tied_embeddings(Safetensors& file) {
  const auto find = [&](const std::string& name) {
    return std::find_if(file.tensors.begin(), file.tensors.end(),
                        [&](const auto& tensor) { return tensor.name == name; });
  };
  for (const auto& [name, kept] : file.metadata) {
    if (!name.ends_with("embed_tokens.weight") || kept != "lm_head.weight" || find(name) != file.tensors.end())
      continue;
    const auto tensor = find(kept);
    if (tensor == file.tensors.end()) continue;
    tensor->name = name;
    std::rotate(tensor, tensor + 1, file.tensors.end());
  }
}

/// The names of the files that have the weights.
Result<std::set<std::string>> names_of_files(const std::string& folder, std::set<std::string>& indexed) {
  std::set<std::string> names;
  const std::string index = "model.safetensors.index.json";
  if (!path_exists(folder + "/" + index)) {
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
      const std::string name = entry->path().filename().string();
      if (name.starts_with("model") && name.ends_with(".safetensors")) names.insert(name);
    }
    if (problem) return input_error("cannot be read: " + problem.message(), folder);
    return names;
  }
  auto text = read_file(folder + "/" + index, int64_t{256} << 20);
  if (!text) return forward(text);
  auto json = parse_strictly(*text, 8);
  if (!json) return input_error(json.error().message, index);
  const auto map = json->is_object() ? json->find("weight_map") : json->end();
  if (!json->is_object() || map == json->end() || !map->is_object()) return input_error("has no weight_map", index);
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) return input_error("names no file of " + tensor, index);
    const auto name = file.get<std::string>();
    if (name.empty() || name == ".." || name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
      return input_error("names a file outside the folder for " + tensor, index);
    names.insert(name);
    indexed.insert(tensor);
  }
  return names;
}

}  // namespace

Result<Safetensors> parse_safetensors(std::string_view header, uint64_t file_size) {
  if (file_size < 8 || header.size() > file_size - 8) return input_error("has a header longer than itself");
  auto json = parse_strictly(header, 8);
  if (!json) return input_error("has a broken header: it " + json.error().message);
  if (!json->is_object()) return input_error("has a broken header");
  Safetensors found;
  try {
    for (const auto& [name, entry] : json->items()) {
      if (name == "__metadata__") {
        for (const auto& [key, value] : entry.items()) found.metadata[key] = value.get<std::string>();
        continue;
      }
      auto tensor = tensor_of(name, entry);
      if (!tensor) return forward(tensor);
      found.tensors.push_back(std::move(*tensor));
    }
  } catch (const Json::exception&) {
    return input_error("has a broken header");
  }
  const uint64_t data_at = 8 + header.size();
  if (auto ok = check_places(found.tensors, file_size - data_at); !ok) return forward(ok);
  for (Safetensor& tensor : found.tensors) tensor.offset += data_at;
  return found;
}

Result<Safetensors> read_safetensors(const std::string& folder) {
  std::set<std::string> indexed, seen;
  auto names = names_of_files(folder, indexed);
  if (!names) return forward(names);
  Safetensors all;
  for (const std::string& name : *names) {
    const std::string path = fmt::format("{}/{}", folder, name);
    auto one = read_one(path);
    if (!one) return input_error(one.error().message, name);
    name_tied_embeddings(*one);
    for (Safetensor& tensor : one->tensors) {
      if (!seen.insert(tensor.name).second) return input_error("has " + tensor.name + ", which another file has", name);
      tensor.file = all.files.size();
      all.tensors.push_back(std::move(tensor));
    }
    all.files.push_back(path);
  }
  if (!indexed.empty() && indexed != seen)
    return input_error("does not name the tensors that its files have", "model.safetensors.index.json");
  return all;
}

}  // namespace hre
