namespace Diffusion.Parity;

/// <summary>Collects deviations over their tolerances; the largest decides.</summary>
internal sealed class Comparison
{
    /// <summary>The largest deviation over its tolerance.</summary>
    public double Worst { get; private set; }

    /// <summary>Where it is.</summary>
    public string Where { get; private set; } = "";

    /// <summary>How many numbers were compared.</summary>
    public long Count { get; private set; }

    /// <summary>Compares one number; a tolerance of 0 asks for equality.</summary>
    public void Number(string what, double actual, double expected, double tolerance)
    {
        Count++;
        var deviation = actual.Equals(expected) ? 0 : Math.Abs(actual - expected) / tolerance; // equal infinities are equal
        if (double.IsNaN(deviation)) deviation = double.PositiveInfinity;
        if (deviation <= Worst) return;
        Worst = deviation;
        Where = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{what} is {actual:g9}, recorded {expected:g9}, tolerance {tolerance:g3}");
    }

    /// <summary>Compares lists of the same length; the tolerance is that at a recorded number.</summary>
    public void Numbers(string what, IReadOnlyList<double> actual, IReadOnlyList<double> expected, Func<double, double> tolerance)
    {
        if (actual.Count != expected.Count)
        {
            Number($"the number of {what}", actual.Count, expected.Count, 0);
            return;
        }

        for (var i = 0; i < actual.Count; i++) Number($"{what}[{i}]", actual[i], expected[i], tolerance(expected[i]));
    }

    /// <summary>Compares two tensors of the same shape within one tolerance.</summary>
    public void Tensors(string what, Tensor actual, Tensor expected, double tolerance)
    {
        using var scope = NewDisposeScope();
        if (!actual.shape.SequenceEqual(expected.shape))
            throw new InvalidDataException($"{what} has shape [{string.Join(", ", actual.shape)}], recorded [{string.Join(", ", expected.shape)}]");
        if (actual.numel() == 0) return;
        var (a, e) = (actual.to(float64).flatten(), expected.to(float64).flatten());
        var difference = (a - e).abs();
        difference = where(a.eq(e), zeros_like(difference), difference); // equal infinities
        var worst = difference.isnan().any().item<bool>() ? difference.isnan().to(int64).argmax().item<long>() : difference.argmax().item<long>();
        Number($"{what}[{worst}]", a[worst].item<double>(), e[worst].item<double>(), tolerance);
        Count += actual.numel() - 1;
    }
}
