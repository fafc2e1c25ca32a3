/** Weekly windows as requests write them. */
import { z } from "@hono/zod-openapi";

export const timeOfDay = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'a time of day is "HH:MM", at most "24:00"')
  .openapi({ example: "08:00" });
const weekdays = [1, 2, 3, 4, 5, 6, 7] as const;
/** The document would name the first alone. */
const weekday = z.literal(weekdays).openapi({ enum: [...weekdays] });

export const weeklyWindows = z
  .array(
    z.strictObject({
      days: z.array(weekday).min(1).max(7).openapi({ description: "1 Monday … 7 Sunday" }),
      from: timeOfDay,
      until: timeOfDay,
    }),
  )
  .max(64);
