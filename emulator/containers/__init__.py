"""Run the containers of ECS tasks as processes of this machine.

image.py process.py       unpack an image; start, check and stop its program in a sandbox
ports.py                  gives each task ports of its own
environment.py            the environment of a container: variables, secrets, credentials
credentials.py            temporary credentials of task roles, and their endpoint
execution_role.py         what the execution role permits ECS to do
output.py telemetry.py    send output to CloudWatch Logs; accept OpenTelemetry data
health_check.py task.py   the life of a task, from PROVISIONING to STOPPED
targets.py proxy.py       register tasks in target groups; forward requests to them
decisions.py scheduler.py keep the desired tasks of each service running; deployments
"""
