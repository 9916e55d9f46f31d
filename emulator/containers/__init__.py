"""Run the containers of ECS tasks as processes of this machine.

image.py process.py       unpack an image; start, check and stop its program in a sandbox
ports.py python_ports.py  give each task free ports; translate ports in Python programs
network.py                the private IP addresses of tasks
environment.py            the environment of a container: variables, secrets, credentials
credentials.py            temporary credentials of task roles, and their endpoint
execution_role.py         what the execution role permits ECS to do
output.py telemetry.py    send output to CloudWatch Logs; accept OpenTelemetry data
health_check.py task.py   the life of a task, from PROVISIONING to STOPPED
targets.py proxy.py       register tasks in target groups; forward requests to them
decisions.py service.py   start and stop the tasks of one service
deployments.py            deployments, the circuit breaker, and events of services
scheduler.py runtime.py   update all services in one thread; the scheduler of this process
"""
