#pragma once
/// What figures need of a study (hre-study/1, docs/formats.md).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/estimate.h"
#include "hre/result.h"
#include "stats/least_squares.h"

namespace hre {

struct StudyView {
  struct Member {
    std::string name, family, stage;                  ///< stage: "pretrained", "tuned", "preference"
    double size = 0;                                  ///< parameters
    std::map<std::string, Estimate> means;            ///< by metric, weighted as the study says
    std::map<std::string, Estimate> topics;           ///< of the study's metric
    std::map<std::string, Estimate> topics_spearman;  ///< empty in studies that were written without
  };
  struct Judgement {
    std::string name;
    std::vector<std::optional<double>> values;  ///< by member
    std::string agreement;                      ///< said in words: "r 0.83, p 0.012"; empty where it is not there
    std::optional<LeastSquares> line;           ///< nothing in studies that were written without
  };
  struct Cell {
    std::optional<double> value;
    int64_t n = 0;
  };
  std::string name;
  std::string metric;                       ///< "pearson"
  std::string benchmark = "HumanRankEval";  ///< what the values are called
  std::vector<Member> members;
  std::vector<std::string> topics;
  std::vector<Judgement> judgements;
  std::vector<std::string> columns;       ///< of the matrix
  std::vector<std::vector<Cell>> matrix;  ///< Pearson
};

/// Input errors say which field is wrong.
Result<StudyView> read_study(std::string_view json, const std::string& where);

}  // namespace hre
