#pragma once
/// The folders that Python's datasets.save_to_disk writes: a DatasetDict (dataset_dict.json, one folder per split) or
/// one Dataset (state.json, which names its Arrow stream files).

#include <string>
#include <vector>

#include "data/input.h"
#include "hre/result.h"

namespace hre::data {

bool is_saved_dataset(const std::string& folder);

/// Its Arrow files, split after split in the saved order.
Result<std::vector<InputFile>> saved_dataset_inputs(const std::string& folder);

}  // namespace hre::data
