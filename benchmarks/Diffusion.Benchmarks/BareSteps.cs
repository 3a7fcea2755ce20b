namespace Diffusion.Benchmarks;

/// <summary>The tensor operations of samplers' steps and nothing else: no scopes, no history, no formula. The numbers mean nothing; they stay of order 1.</summary>
internal sealed class BareSteps : IDisposable
{
    private readonly Tensor _noise;
    private readonly Queue<Tensor> _earlier = []; // estimates of earlier steps
    private Tensor _x;
    private int _taken;

    /// <summary>A run.</summary>
    /// <param name="start">Its state.</param>
    /// <param name="noise">What answers with noise.</param>
    /// <param name="earlier">How many earlier estimates its sums read.</param>
    public BareSteps(Tensor start, NoiseSource noise, int earlier)
    {
        _x = start.alias();
        _noise = noise.NextLike(start);
        for (var i = 0; i < earlier; i++) _earlier.Enqueue(start.alias());
    }

    /// <summary>The step of a sampler that is more than weighted sums; null for the others.</summary>
    public static Action<BareSteps>? Of(string sampler) => sampler switch
    {
        "PNDM" => step => step.Sums(step._taken < 3 ? [2, 2, 3, 4, 5] : [2, 5]), // three steps of Runge and Kutta first
        "Predictor-corrector" => step => step.Corrected(),
        "Bogacki-Shampine" => step => step.Embedded([2, 2, 4], 4),
        "Dormand-Prince" => step => step.Embedded([2, 3, 4, 5, 6, 6], 6),
        "DPM adaptive 12" => step => step.Adaptive([2], 2, 3, noisy: false),
        "DPM adaptive 23" => step => step.Adaptive([2, 3], 3, 4, noisy: false),
        "DPM adaptive 23 ancestral" => step => step.Adaptive([2, 3], 3, 4, noisy: true),
        _ => null,
    };

    /// <summary>Weighted sums of as many tensors as each number says; the last is the next state.</summary>
    public void Sums(IReadOnlyList<int> terms)
    {
        var states = new Tensor[terms.Count];
        for (var i = 0; i < states.Length; i++) states[i] = Sum(terms[i]);
        for (var i = 0; i + 1 < states.Length; i++) states[i].Dispose();
        Advance(states[^1]);
    }

    public void Dispose()
    {
        _x.Dispose();
        _noise.Dispose();
        foreach (var tensor in _earlier) tensor.Dispose();
    }

    // c₁·x + c₂·x̂₀ + …, with the estimate that is made for it.
    private Tensor Sum(int terms)
    {
        using var estimate = _x.alias();
        var sum = _x.mul(1.0 / terms);
        if (terms > 1) sum.add_(estimate, alpha: 1.0 / terms);
        foreach (var tensor in _earlier.Take(terms - 2)) sum.add_(tensor, alpha: 1.0 / terms);
        return sum;
    }

    private void Advance(Tensor next)
    {
        _earlier.Enqueue(_x);
        _earlier.Dequeue().Dispose();
        _x = next;
        _taken++;
    }

    // A Langevin step of the published size, then a predictor of three terms.
    private void Corrected()
    {
        using (var score = Sum(2))
        using (var ratio = Norm(_noise).div_(Norm(score)).square().mul_(0.1))
        {
            var moved = _x.addcmul(score, ratio, 1);
            using var root = ratio.mul(2).sqrt_();
            moved.addcmul_(_noise, root, 1);
            Advance(moved);
        }

        Advance(Sum(3));

        static Tensor Norm(Tensor t) => t.flatten(1).square().sum(1).sqrt().mean();
    }

    // Stages of a Runge–Kutta method whose slopes are formed, in a scaled state; the error of so many slopes; its size, read.
    private void Embedded(int[] stages, int errorTerms)
    {
        using var scope = NewDisposeScope();
        _ = _x.div(1.1);
        _ = Sum(2);
        Tensor last = _x;
        foreach (var terms in stages)
        {
            last = Sum(terms);
            _ = last.mul(1.1); // the sampler's state of the stage
            _ = Sum(2); // its slope
        }

        var scale = _x.abs().maximum(last.abs()).mul_(1e-3).add_(1e-3);
        _ = Sum(errorTerms).div(scale).pow_(2).mean().sqrt_().to(float64).item<double>();
        Advance(last.mul(1.1).DetachFromDisposeScope());
    }

    // Inner states, the results of two orders, the size of their difference, read.
    private void Adaptive(int[] inner, int lowTerms, int highTerms, bool noisy)
    {
        using var scope = NewDisposeScope();
        foreach (var terms in inner) _ = Sum(terms);
        var (low, high) = (Sum(lowTerms), Sum(highTerms));
        var tolerance = low.abs().maximum(_x.abs().mul_(1.1)).mul_(1e-3).clamp_min_(1e-3);
        _ = low.sub(high).div_(tolerance).pow_(2).mean().to(float64).item<double>();
        if (noisy) high.add_(_noise, alpha: 0.1);
        Advance(high.DetachFromDisposeScope());
    }
}
