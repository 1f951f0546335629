# The tests that are scripts, and what every test finds in its environment. Exit status 77 means skipped.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)

# sluice_script_test(NAME TIMEOUT-SECONDS SCRIPT [ARGUMENT...]): a script below tests/. They run against
# build/release/sluice, whatever build ctest runs on, since it is what users get; SLUICE names it.
function(sluice_script_test name timeout script)
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/${script} ${ARGN})
  string(REGEX REPLACE "/.*" "" label ${name})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${timeout} LABELS ${label}
    ENVIRONMENT "SLUICE=${PROJECT_SOURCE_DIR}/build/release/sluice;PYTHONDONTWRITEBYTECODE=1")
endfunction()

sluice_script_test(layering/check 60 layering/check.py)
sluice_script_test(layering/check_test 120 layering/check_test.py)
sluice_script_test(scripts/scripts_test 120 scripts/scripts_test.py)
sluice_script_test(differential/sops_fuzz 300 differential/sops_fuzz.py --seed 1 --count 300)
sluice_script_test(e2e/cluster 300 e2e/cluster_test.py)

# Nearly five thousand kustomizations, random and listed, beside the real kustomize. The seeds are fixed, so that a failure is of the
# change under test; `fuzz.py` without --seed looks for what nobody has seen.
add_executable(build_server ${PROJECT_SOURCE_DIR}/tests/differential/build_server.cpp)
target_link_libraries(build_server PRIVATE sluice_kustomize)
sluice_script_test(differential/fuzz 300 differential/fuzz.py --sluice $<TARGET_FILE:build_server>
  --seed 1 --count 800 --known ${PROJECT_SOURCE_DIR}/tests/differential/known_differences.txt)

# End-to-end scripts of other files, one test each: tests/e2e/NAME_e2e.py.
file(GLOB e2e_scripts CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/tests
  ${PROJECT_SOURCE_DIR}/tests/e2e/*_e2e.py)
foreach(script IN LISTS e2e_scripts)
  get_filename_component(stem ${script} NAME_WE)
  string(REGEX REPLACE "_e2e$" "" stem ${stem})
  sluice_script_test(e2e/${stem} 600 ${script})
endforeach()

# The contract tests, which otherwise run against the sandbox, against a real kube-apiserver.
foreach(module kube apply reconciler)
  if(TARGET ${module}_test)
    add_test(NAME e2e/contract_${module} COMMAND ${Python3_EXECUTABLE}
      ${PROJECT_SOURCE_DIR}/tests/e2e/cluster/cluster.py run -- $<TARGET_FILE:${module}_test>
      "--test-case=contract:*")
    set_tests_properties(e2e/contract_${module} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300
      LABELS e2e ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
  endif()
endforeach()

# The programs that scripts/tools builds come first on the PATH of every test, also when they are built
# after this configuration: the folders are known from the pinned versions.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/tools path --expected
  OUTPUT_VARIABLE tools_path OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scripts/tools.list)
get_property(all_tests DIRECTORY PROPERTY TESTS)
foreach(test IN LISTS all_tests)
  set_property(TEST ${test} APPEND PROPERTY
    ENVIRONMENT_MODIFICATION "PATH=path_list_prepend:${tools_path}")
endforeach()
