namespace Diffusion.Checkpoints.Schedulers;

/// <summary>
/// Timesteps exactly as the published schedulers space them. They come from floating-point ranges, so the order of operations decides which way a
/// tie is rounded: it is the published one here (a difference first, then start + i·difference, halves to even).
/// </summary>
internal static class PublishedTimesteps
{
    /// <summary>count numbers from start to stop, both included.</summary>
    public static double[] Linspace(double start, double stop, int count)
    {
        var values = new double[count];
        if (count == 0) return values;
        var step = count > 1 ? (stop - start) / (count - 1) : 0;
        for (var i = 0; i < count; i++) values[i] = i * step + start;
        if (count > 1) values[^1] = stop;
        return values;
    }

    /// <summary>The numbers start, start − stride, … above 0, of which there are count.</summary>
    public static double[] Descend(double start, double stride, int count)
    {
        var values = new double[count];
        var difference = start - stride - start;
        for (var i = 0; i < count; i++) values[i] = start + i * difference;
        return values;
    }

    /// <summary>Equal distances from T − 1 to 0, falling, not rounded.</summary>
    public static double[] LinspaceTimesteps(int trainingSteps, int steps)
    {
        var rising = Linspace(0, trainingSteps - 1, steps);
        Array.Reverse(rising);
        return rising;
    }

    /// <summary>Multiples of ⌊T/n⌋ plus an offset, falling.</summary>
    public static double[] LeadingTimesteps(int trainingSteps, int steps, int offset)
    {
        var values = new double[steps];
        for (var i = 0; i < steps; i++) values[i] = (steps - 1 - i) * (trainingSteps / steps) + offset;
        return values;
    }

    /// <summary>From T − 1 down in strides of T/n.</summary>
    public static double[] TrailingTimesteps(int trainingSteps, int steps) =>
        Array.ConvertAll(Descend(trainingSteps, (double)trainingSteps / steps, steps), t => Math.Round(t) - 1);

    /// <summary>The integer timesteps of the classes that move on the trained schedule (DDPM, DDIM, PNDM, …), falling.</summary>
    /// <param name="values">The settings: num_train_timesteps, timestep_spacing, steps_offset.</param>
    /// <param name="steps">Number of steps.</param>
    /// <exception cref="ArgumentException">There are fewer trained timesteps than steps, or the offset leads past the last.</exception>
    public static int[] Trained(ConfigValues values, int steps)
    {
        var trainingSteps = values.Integer("num_train_timesteps");
        if (steps > trainingSteps)
            throw new ArgumentException($"{steps} steps were asked for, but the model was trained on {trainingSteps} timesteps.", nameof(steps));
        var timesteps = values.Choice("timestep_spacing") switch
        {
            "linspace" => LinspaceTimesteps(trainingSteps, steps),
            "leading" => LeadingTimesteps(trainingSteps, steps, values.Integer("steps_offset")),
            "trailing" => TrailingTimesteps(trainingSteps, steps),
            var other => throw new InvalidOperationException($"There is no spacing \"{other}\"."),
        };
        var rounded = Array.ConvertAll(timesteps, t => (int)Math.Round(t));
        if (rounded[0] >= trainingSteps)
            throw new ArgumentException($"The first of {steps} timesteps is {rounded[0]}: the offset leads past the last trained timestep, {trainingSteps - 1}. Take fewer steps.", nameof(steps));
        return rounded;
    }

    /// <summary>Timesteps that the caller gives: integers, falling, all trained.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    public static int[] Given(IReadOnlyList<double> timesteps, int trainingSteps)
    {
        var integers = new int[timesteps.Count];
        for (var i = 0; i < integers.Length; i++)
        {
            if (timesteps[i] != Math.Floor(timesteps[i]) || timesteps[i] < 0 || timesteps[i] >= trainingSteps)
                throw new ArgumentException($"Timestep {i} is {timesteps[i]}; integers in 0 … {trainingSteps - 1} are needed.", nameof(timesteps));
            integers[i] = (int)timesteps[i];
            if (i > 0 && integers[i] >= integers[i - 1])
                throw new ArgumentException($"Timestep {i} is {integers[i]} after {integers[i - 1]}; they must fall.", nameof(timesteps));
        }

        return integers;
    }
}
