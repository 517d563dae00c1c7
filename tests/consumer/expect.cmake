# Runs PROGRAM on MODEL with two questions on standard input; what it prints must match EXPECTED.
file(WRITE ${PROGRAM}.input "What is the capital of Peru?\nwhat is 12 + 7?\n")
execute_process(COMMAND ${PROGRAM} ${MODEL} INPUT_FILE ${PROGRAM}.input OUTPUT_VARIABLE output RESULT_VARIABLE status)
if(NOT status EQUAL 0 OR NOT output MATCHES "${EXPECTED}")
  message(FATAL_ERROR "status ${status}, expected \"${EXPECTED}\" in:\n${output}")
endif()
