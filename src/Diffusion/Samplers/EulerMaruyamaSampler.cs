namespace Diffusion.Samplers;

/// <summary>
/// The Euler–Maruyama method for the equations that run the process backwards: x_s = x − [f·x − ½(1 + η²)g²·∇ln p]·h + η·g·√h·z, h = t − s. Weak order 1;
/// strong order 1, because the noise does not depend on the state. (Song et al. 2021, appendix D)
/// </summary>
/// <remarks>
/// Only for Gaussian noise. Throws where α = 0, since g² is infinite there: start below t = 1. The step to clean data is the estimate of the
/// data; <see cref="AsPublished"/> ends otherwise.
/// </remarks>
public sealed class EulerMaruyamaSampler : Sampler
{
    private readonly double? _length; // of every step, whatever the grid says
    private readonly LastStep _last;

    /// <summary>The method for one of the equations.</summary>
    /// <param name="eta">η, at least 0: 1 is the reverse equation, 0 the flow (Euler's method in time), in between and above are as good.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="eta"/> is negative or not finite.</exception>
    public EulerMaruyamaSampler(double eta = 1) : this(eta, null, LastStep.Estimate)
    {
    }

    /// <summary>With a length for every step and another end: what published samplers did.</summary>
    internal EulerMaruyamaSampler(double eta, double? length, LastStep last)
    {
        Eta = ReverseProcess.CheckEta(eta);
        _length = length;
        _last = last;
    }

    /// <summary>η.</summary>
    public double Eta { get; }

    /// <summary>
    /// The published sampler: every step has the length 1/N although N levels from 1 to ε lie (1 − ε)/(N − 1) apart, and the answer is the mean of
    /// the last step. (Song et al. 2021, appendix C and G)
    /// </summary>
    /// <param name="steps">N, the number of steps of the grid, at least 1.</param>
    /// <param name="eta">η, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static EulerMaruyamaSampler AsPublished(int steps, double eta = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        return new EulerMaruyamaSampler(eta, 1.0 / steps, LastStep.Mean);
    }

    /// <inheritdoc/>
    protected override Tensor Step(SamplerStep step, Tensor x) => Move(step, x, noisy: true);

    /// <inheritdoc/>
    protected override Tensor Finish(SamplerStep step, Tensor x) =>
        _last == LastStep.Estimate ? base.Finish(step, x) : Move(step, x, noisy: _last == LastStep.Noisy);

    private Tensor Move(SamplerStep step, Tensor x, bool noisy)
    {
        ArgumentNullException.ThrowIfNull(step);
        var (from, to) = (step.From, step.To);
        ReverseProcess.Check(from, nameof(EulerMaruyamaSampler));
        var length = _length ?? from.Time - to.Time;
        if (!(length >= 0) && Eta > 0)
            throw new ArgumentException($"A step of the reverse equation runs towards the data, but this one goes from t = {from.Time:g6} to t = {to.Time:g6}. With η = 0 it may run either way.");
        var next = new LinearForm { { 1, x }, { -length, ReverseProcess.Drift(step.Denoise(x), x, from, Eta) } };
        if (noisy && Eta > 0) next.Add(Eta * Math.Sqrt(from.DiffusionSquared * length), step.NoiseBetween(x, from, to));
        return next.Evaluate();
    }
}
