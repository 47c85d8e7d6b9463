"""One lander of `LunarLander-v3`: what of gymnasium's step cannot be done for many at once."""

import importlib
import math
from typing import Any, NamedTuple

from numpy.typing import NDArray


class Seen(NamedTuple):
    """What Box2D tells after a step, in its own units."""

    x: float
    y: float
    speed_x: float
    speed_y: float
    angle: float
    turning: float
    left_leg: bool
    right_leg: bool
    crashed: bool
    awake: bool


class Lander:
    """A lander that has been reset, which burns fuel and moves.

    Args:
        body: gymnasium's own, with engines that are on or off, and no wind.
        spread: the random numbers in (-1, 1) that it would draw, two for each step.
    """

    def __init__(self, body: Any, spread: NDArray) -> None:
        self._moon: Any = importlib.import_module("gymnasium.envs.box2d.lunar_lander")
        self._body, self._ship, self._legs = body, body.lander, body.legs
        self._move = body.world.Step
        self._spread = iter((spread / self._moon.SCALE).tolist()).__next__
        self._seen = self._look()

    def step(self, action: int) -> Seen:
        """Do nothing (0), or fire the left (1), the main (2) or the right engine (3)."""
        first, second = self._spread(), self._spread()
        if action:
            self._fire(action, first, second)
        self._move(1.0 / self._moon.FPS, 6 * 30, 2 * 30)
        self._seen = self._look()
        return self._seen

    def _look(self) -> Seen:
        ship, (left, right) = self._ship, self._legs
        at, speed = ship.position, ship.linearVelocity
        touch = left.ground_contact, right.ground_contact
        turn = ship.angle, ship.angularVelocity
        return Seen(at.x, at.y, speed.x, speed.y, *turn, *touch, self._body.game_over, ship.awake)

    def _fire(self, action: int, first: float, second: float) -> None:
        moon, (x, y, _, _, angle, *_) = self._moon, self._seen
        sin, cos = math.sin(angle), math.cos(angle)
        if action == 2:
            power = moon.MAIN_ENGINE_POWER
            down = moon.MAIN_ENGINE_Y_LOCATION / moon.SCALE + 2 * first
            push_x, push_y = sin * down - cos * second, -cos * down - sin * second
            at = x + push_x, y + push_y
        else:
            power = moon.SIDE_ENGINE_POWER
            out = 3 * second + (action - 2) * moon.SIDE_ENGINE_AWAY / moon.SCALE
            push_x, push_y = sin * first - cos * out, -cos * first - sin * out
            at = (
                x + push_x - sin * 17 / moon.SCALE,
                y + push_y + cos * moon.SIDE_ENGINE_HEIGHT / moon.SCALE,
            )
        self._ship.ApplyLinearImpulse((-push_x * power, -push_y * power), at, True)
